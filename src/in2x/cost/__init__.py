"""What a recipe takes on given hardware, by formulas: operations, memory, time, money. `trace/` tests them."""
