"""Address in German, French, Spanish, Italian and Portuguese: our own sentences, then real pairs with limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from in2x.language.address import decide
from in2x.language.address.es_verbs import verb_forms as spanish
from in2x.language.address.it_verbs import verb_forms as italian
from in2x.language.address.pt_verbs import verb_forms as portuguese

SENTENCES = {
    "de": {
        "polite": [
            "Haben Sie einen Moment Zeit?",
            "Das gehört wohl Ihnen.",
            "Ich habe Ihren Brief bekommen.",
            "Bitte nehmen Sie Platz.",
            "Wenn Sie mögen, rufe ich Sie morgen an.",
            "Sie können jetzt hereinkommen.",
            "Ist das Ihre Jacke?",
        ],
        "casual": [
            "Hast du einen Moment Zeit?",
            "Das gehört wohl dir.",
            "Ich habe euren Brief bekommen.",
            "Komm mal her!",
            "Habt ihr schon gegessen?",
            "Gib mir bitte das Salz.",
            "Weißt schon, was ich meine.",
            "Dein Zug fährt gleich.",
            "Seid bitte leise!",
        ],
        "none": [
            "Es regnet seit gestern.",
            "Die Nachbarn grüßen, und sie lachen viel.",
            "Sie wohnt in Bremen.",
            "Ein Mann steht neben ihr.",
            "Ich habe ihnen geholfen.",
            "Der Hund sucht seinen Ball.",
        ],
    },
    "fr": {
        "polite": [
            "Pouvez-vous m'aider ?",
            "C'est votre manteau ?",
            "Asseyez-vous, je reviens.",
            "Fermez la porte en sortant.",
            "Ce livre est le vôtre.",
            "Dites-moi ce qui ne va pas.",
            "Je vous écoute.",
        ],
        "casual": [
            "Tu peux m'aider ?",
            "C'est ton manteau ?",
            "Assieds-toi, je reviens.",
            "Je t'écoute.",
            "Viens ici !",
            "Dis-moi ce qui ne va pas.",
            "Ce livre est le tien.",
            "Parlons de ton projet.",
            "Regarde, il neige !",
        ],
        "none": [
            "Il pleut depuis hier.",
            "Elle a haussé le ton.",
            "Il faut changer de ton.",
            "Le nez du clown est rouge.",
            "On mange assez tard chez moi.",
            "Madeleine regarde la mer.",
            "Les voisins ont un chien.",
        ],
    },
    "es": {
        "polite": [
            "¿Tiene un momento?",
            "Disculpe, busco la salida.",
            "¿Cuántas maletas lleva?",
            "Dígame qué le pasa.",
            "Este paraguas es de usted.",
            "¿Ha probado la sopa?",
            "Si necesita ayuda, estoy en la oficina.",
            "Que tenga un buen viaje.",
            "Pasen, por favor, ustedes primero.",
            "¿Es este su abrigo?",
        ],
        "casual": [
            "¿Tienes un momento?",
            "Perdona, ¿sabes dónde está la salida?",
            "Cuéntame qué pasó.",
            "Si compras pan, trae leche.",
            "¿Vos tenés hambre?",
            "¿Queréis cenar ya?",
            "Mira, está nevando.",
            "Quería preguntarte una cosa.",
            "No vengas tarde.",
            "Haz la cama.",
            "¿Juegas al ajedrez?",
            "Esta casa es tuya.",
        ],
        "none": [
            "Llueve desde ayer.",
            "Las compras fueron caras.",
            "Las partes más bajas de las casas son de piedra.",
            "Mi hermano trabaja en un banco.",
            "Ella perdió su paraguas.",
            "Hace mucho que no nieva.",
            "El museo abre a las nueve y cierra a las seis.",
            "Las flores huelen bien.",
            "No quiero ir, tengo fiebre.",
            "La suerte y el arte van juntos.",
        ],
    },
    "it": {
        "polite": [
            "Ha un momento?",
            "Mi scusi, cerco l'uscita.",
            "Venga, si accomodi.",
            "Vorrei parlare con Lei.",
            "Ho ricevuto la Sua lettera.",
            "Potremo contattarLa domani.",
            "Guardi, non è colpa mia.",
            "Se vuole, può aspettare qui.",
            "Non si preoccupi.",
            "Quante valigie porta?",
        ],
        "casual": [
            "Hai un momento?",
            "Scusa, sai dov'è l'uscita?",
            "Vieni, siediti.",
            "Vorrei parlarti.",
            "Se pensi di uscire, prendi l'ombrello.",
            "Non andare via.",
            "Sei stato bravo.",
            "Dove lavori adesso?",
            "Ricordati di chiudere.",
            "Dimmi tutto.",
            "Potresti aprire la porta?",
            "Guarda, nevica!",
        ],
        "none": [
            "Piove da ieri.",
            "I suoni forti danno fastidio.",
            "Ho sei fratelli e due amici.",
            "I treni sono arrivati in ritardo.",
            "Mio fratello lavora in banca.",
            "Lui ha perso il treno.",
            "Penso che Anna parli troppo.",
            "Il museo apre alle nove e chiude alle sei.",
            "Non mi piace la pioggia.",
            "Abbiamo comprato pane e formaggi.",
        ],
    },
    "pt": {
        "polite": [
            "Tem um momento?",
            "Desculpe, procuro a saída.",
            "O senhor quer café?",
            "Este casaco é seu?",
            "Diga-me o que se passa.",
            "Se precisar de ajuda, estou no escritório.",
            "Não se preocupe.",
            "Você mora aqui perto?",
            "Quantas malas leva?",
            "Está a ouvir a música?",
        ],
        "casual": [
            "Tens um momento?",
            "Desculpa, sabes onde é a saída?",
            "Este casaco é teu?",
            "Conta comigo se quiseres sair.",
            "Trouxeste o pão?",
            "Queria perguntar-te uma coisa.",
            "Não te preocupes.",
            "Olha, está a nevar!",
            "É bom para saberes nadar.",
            "Compras pão quando voltares?",
            "Isto é para ti.",
        ],
        "none": [
            "Chove desde ontem.",
            "As compras foram caras.",
            "As mulheres dos lugares altos trazem flores.",
            "O meu irmão trabalha num banco.",
            "Ela perdeu o comboio.",
            "O museu abre às nove e fecha às seis.",
            "Vende-se uma bicicleta.",
            "Faz frio no inverno.",
            "Não quero ir, tenho febre.",
            "Os jogadores são melhores.",
        ],
    },
}


@pytest.mark.parametrize(
    ("code", "label", "text"),
    [(code, label, text) for code, by in SENTENCES.items() for label, texts in by.items() for text in texts],
)
def test_own_sentences(code: str, label: str, text: str) -> None:
    assert decide(code, text) == label


def test_quoted_speech_counts_less() -> None:
    assert decide("de", "Haben Sie gehört, wie er „Komm her, du!“ rief?") == "polite"
    assert decide("fr", "Tu sais, il m'a dit « Vous mentez » hier.") == "casual"
    assert decide("es", "«¿Vienes?»") == "casual"  # nothing else is there


def test_the_heavier_side_wins_and_the_later_of_two_equal_ones() -> None:
    assert decide("de", "Du bist da. Ich helfe Ihnen, wenn Sie wollen.") == "polite"
    assert decide("fr", "C'est à vous. C'est à toi.") == "casual"


def test_a_language_without_a_module_has_no_address() -> None:
    assert decide("fi", "Mitä kuuluu?") == "none"
    assert decide("marks", "du") == "none"
    assert decide("../de", "du") == "none"


@pytest.mark.parametrize("code", SENTENCES)
@pytest.mark.parametrize("text", ["", " ", "?", "…", "12:30", "«", "¿", "'", "a" * 5000])
def test_texts_without_words(code: str, text: str) -> None:
    assert decide(code, text) == "none"


def test_spanish_conjugation() -> None:
    forms = spanish()
    assert {"tienes", "pides", "duermes", "busques", "llegues", "conozcas", "construyes", "dijiste", "hiciste", "irás",
            "podrías", "obtengas", "envías", "tenéis", "tenés", "sos"} <= forms.second  # fmt: skip
    assert {"tiene", "pidió", "durmió", "leyó", "hizo", "dijeron", "fue"} <= forms.third
    assert {"diga", "busque", "siga", "esté"} <= forms.polite_commands
    assert not forms.second & {"tiene", "come", "cosas"}
    assert forms.lemma["obtuvo"] == "obtener"


def test_italian_conjugation() -> None:
    forms = italian()
    assert {"cerchi", "mangi", "capisci", "vuoi", "dicevi", "andrai", "cercheresti", "facesti", "invii"} <= forms.second
    assert {"cerca", "capisce", "può", "disse", "mangerà", "proporrà"} <= forms.third
    assert {"cerchi", "venga", "dica", "capisca", "faccia"} <= forms.polite_commands


def test_portuguese_conjugation() -> None:
    forms = portuguese()
    assert {"falas", "fiques", "comeces", "sobes", "durmas", "quiseres", "saberes", "trouxeste", "fosses", "farás",
            "passeias", "protejas"} <= forms.second  # fmt: skip
    assert {"sobe", "sente", "pôde", "falou", "fará"} <= forms.third
    assert {"diga", "fique", "sinta", "vá", "dê"} <= forms.polite_commands


LIMITS = {"de": (0.99, 0.04), "fr": (0.99, 0.02), "es": (0.95, 0.13), "it": (0.94, 0.12), "pt": (0.91, 0.13)}
"""Accuracy at least, and the share of texts without address that is labelled at most."""


@pytest.mark.shared
@pytest.mark.parametrize("code", LIMITS)
def test_formal_against_informal_on_real_pairs(code: str, shared_data: Path) -> None:
    path = shared_data / "register" / f"formality.en-{code}.jsonl"
    pairs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    accuracy, labelled = LIMITS[code]
    for part in (pairs[::2], pairs[1::2]):
        told = [
            decide(code, pair[side]) == label
            for pair in part
            if pair["formal"] != pair["informal"]
            for side, label in (("formal", "polite"), ("informal", "casual"))
        ]
        assert sum(told) / len(told) >= accuracy - 0.01
    same = [pair["formal"] for pair in pairs if pair["formal"] == pair["informal"]]
    assert sum(decide(code, text) != "none" for text in same) <= max(3, 0.3 * len(same))
    shared = [
        sentence
        for pair in pairs
        for sentence in set(pair["formal"].split(". ")) & set(pair["informal"].split(". "))
        if len(sentence.split()) > 3
    ]
    assert sum(decide(code, sentence) != "none" for sentence in shared) / len(shared) <= labelled


@pytest.mark.shared
def test_captions_address_nobody(shared_data: Path) -> None:
    path = shared_data / "parallel" / "multi30k.en-de.dev.jsonl"
    captions = [json.loads(line)["de"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum(decide("de", text) != "none" for text in captions) / len(captions) < 0.005
