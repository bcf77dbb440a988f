(function () {
  "use strict";
  var root = document.documentElement, tip = document.getElementById("tip");

  // Light and dark: follow the system until the button is pressed.
  document.getElementById("theme").addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  function show(event, fill) {
    tip.textContent = "";
    fill(tip);
    tip.hidden = false;
    var box = tip.getBoundingClientRect(), x = event.clientX + 14, y = event.clientY + 14;
    if (x + box.width > innerWidth - 8) x = Math.max(8, event.clientX - box.width - 14);
    if (y + box.height > innerHeight - 8) y = event.clientY - box.height - 14;
    tip.style.left = x + "px";
    tip.style.top = Math.max(8, y) + "px";
  }
  function hide() { tip.hidden = true; }
  function say(value) {
    var size = Math.abs(value);
    if (size >= 1000) return value.toLocaleString("en", { maximumFractionDigits: 0 });
    return String(+value.toPrecision(size >= 10 ? 4 : 3));
  }

  document.querySelectorAll("[data-tip]").forEach(function (node) {
    node.addEventListener("pointermove", function (event) {
      show(event, function (box) { box.textContent = node.dataset.tip; });
    });
    node.addEventListener("pointerdown", function (event) {
      show(event, function (box) { box.textContent = node.dataset.tip; });
    });
    node.addEventListener("pointerleave", hide);
  });

  document.querySelectorAll(".plot").forEach(function (plot) {
    var lines = JSON.parse(plot.dataset.lines), cross = plot.querySelector(".cross"), at = null;
    function nearest(places, percent) {
      var low = 0, high = places.length - 1;
      while (high - low > 1) { var middle = (low + high) >> 1; if (places[middle] < percent) low = middle; else high = middle; }
      return Math.abs(places[low] - percent) <= Math.abs(places[high] - percent) ? low : high;
    }
    function read(percent, event) {
      // The line with the nearest point gives x; the others join where they have a point close to it.
      var best = null;
      lines.forEach(function (line) {
        var i = nearest(line.p, percent), gap = Math.abs(line.p[i] - percent);
        if (!best || gap < best.gap) best = { gap: gap, place: line.p[i], x: line.x[i] };
      });
      at = best.place;
      cross.hidden = false;
      cross.style.left = at + "%";
      show(event, function (box) {
        var head = document.createElement("b");
        head.textContent = plot.dataset.x + " " + say(best.x);
        box.appendChild(head);
        lines.forEach(function (line) {
          var i = nearest(line.p, at);
          if (Math.abs(line.p[i] - at) > 2.5) return;
          var row = document.createElement("div"), dot = document.createElement("i");
          dot.className = "c" + line.c;
          row.appendChild(dot);
          row.appendChild(document.createTextNode(line.n + "  " + say(line.y[i])));
          box.appendChild(row);
        });
      });
    }
    plot.addEventListener("pointermove", function (event) {
      var box = plot.getBoundingClientRect();
      read(100 * (event.clientX - box.left) / box.width, event);
    });
    plot.addEventListener("keydown", function (event) {
      var step = event.key === "ArrowRight" ? 2 : event.key === "ArrowLeft" ? -2 : 0;
      if (!step) return;
      event.preventDefault();
      var box = plot.getBoundingClientRect(), percent = Math.min(100, Math.max(0, (at === null ? 50 : at) + step));
      read(percent, { clientX: box.left + box.width * percent / 100, clientY: box.top + 20 });
    });
    function leave() { cross.hidden = true; hide(); }
    plot.addEventListener("pointerleave", leave);
    plot.addEventListener("blur", leave);
  });

  // Tables sort by the column that is pressed; the first press puts the best on top.
  document.querySelectorAll("th[data-sort]").forEach(function (head) {
    function sort() {
      var body = head.closest("table").tBodies[0], column = head.cellIndex;
      var now = head.getAttribute("aria-sort"), first = head.dataset.sort;
      var way = now === first ? (first === "ascending" ? "descending" : "ascending") : first;
      head.parentNode.querySelectorAll("th").forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", way);
      function key(row) {
        var text = row.cells[column].dataset.value, value = parseFloat(text);
        return isNaN(value) ? null : value;
      }
      Array.from(body.rows).sort(function (a, b) {
        var x = key(a), y = key(b);
        if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
        return way === "ascending" ? x - y : y - x;
      }).forEach(function (row) { body.appendChild(row); });
    }
    head.tabIndex = 0;
    head.addEventListener("click", sort);
    head.addEventListener("keydown", function (event) { if (event.key === "Enter") sort(); });
  });
})();
