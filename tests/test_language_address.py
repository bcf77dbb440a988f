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


STORIES = {
    "es": """
Marie Curie nació en Varsovia. Estudió física en París y descubrió dos elementos. Recibió el premio Nobel dos veces.
El tren sale a las ocho y llega a las diez. Para en cuatro estaciones y tarda dos horas.
Juan volvió a casa, abrió la puerta y encontró a su hermana dormida.
La ciudad tiene un puerto antiguo. Conserva murallas del siglo XV y recibe muchos turistas.
Mi abuela cocina muy bien. Siempre hace demasiada comida y luego la reparte entre los vecinos.
Llueve mucho en otoño y hace frío en invierno.
El presidente dijo que no sabía nada y que hablaría con su equipo.
No me gusta el café, pero tomo té todos los días.
La empresa fabrica motores. Tiene su sede en Bilbao y da empleo a mil personas.
Cuando era niño, jugaba en la calle con mis primos.
Los perros ladraban y nadie podía dormir.
Ayer fui al cine y vi una película muy larga.
Entró en la sala, miró a todos y se marchó sin decir nada.
El libro cuenta la vida de un pescador que pierde su barco.
Se vende piso con vistas al mar.
El río nace en la sierra y atraviesa tres provincias antes de llegar al mar.
Según el informe, el paro bajó dos puntos en marzo.
A Lucía le gusta bailar. Va a clase los martes y ensaya en casa los domingos.
Mi padre nunca habla de la guerra; cuando le preguntan, cambia de tema.
Los vecinos se quejan del ruido porque la obra empieza a las seis.
La película dura tres horas y tiene un final triste.
Abrieron la tienda en 1980 y la cerraron veinte años después.
Ese pueblo conserva sus costumbres: en agosto celebra la fiesta de la vendimia.
Había una vez un rey que tenía tres hijas. Quería casarlas antes del invierno.
Vamos a ver qué pasa.
No sé si vendrá, pero me lo dijo ayer.
Creo que la carta llegó tarde porque nadie la echó al buzón.
El médico le recetó reposo y le pidió que volviera en un mes.
Nevó toda la noche. Por la mañana, el jardín estaba blanco.
Yo trabajo de noche y duermo por la mañana.
El equipo perdió, pero jugó muy bien y mereció ganar.
Se sienta siempre en la última fila y nunca pregunta nada.
Tenemos dos gatos: uno duerme en el sofá, el otro caza ratones.
En esta región se come mucho pescado.
Dicen que el puente es romano.
""",
    "it": """
Maria Curie nacque a Varsavia. Studiò fisica a Parigi e scoprì due elementi. Ricevette il premio Nobel due volte.
Il treno parte alle otto e arriva alle dieci. Ferma in quattro stazioni.
Giovanni tornò a casa, aprì la porta e trovò sua sorella addormentata.
La città ha un porto antico. Conserva mura del Quattrocento e riceve molti turisti.
Mia nonna cucina benissimo. Prepara sempre troppo cibo e poi lo divide con i vicini.
In autunno piove molto e in inverno fa freddo.
Il presidente ha detto che non sapeva nulla e che avrebbe parlato con i suoi collaboratori.
Non mi piace il caffè, ma bevo il tè tutti i giorni.
L'azienda produce motori. Ha la sua sede a Torino e dà lavoro a mille persone.
Da bambino giocavo in strada con i miei cugini.
I cani abbaiavano e nessuno poteva dormire.
Ieri sono andato al cinema e ho visto un film molto lungo.
Entrò nella sala, guardò tutti e se ne andò senza dire nulla.
Il libro racconta la vita di un pescatore che perde la barca.
Vendesi appartamento con vista sul mare.
I ragazzi hanno due cani e tre gatti.
Il fiume nasce in montagna e attraversa tre regioni prima di arrivare al mare.
Secondo il rapporto, la disoccupazione è scesa di due punti a marzo.
A Lucia piace ballare. Va a lezione il martedì e prova a casa la domenica.
Mio padre non parla mai della guerra; quando glielo chiedono, cambia discorso.
I vicini si lamentano del rumore perché il cantiere apre alle sei.
Il film dura tre ore e ha un finale triste.
Hanno aperto il negozio nel 1980 e lo hanno chiuso vent'anni dopo.
Quel paese conserva le sue usanze: in agosto celebra la festa della vendemmia.
C'era una volta un re che aveva tre figlie. Voleva sposarle prima dell'inverno.
Vediamo che cosa succede.
Non so se verrà, ma me lo ha detto ieri.
Credo che la lettera sia arrivata tardi perché nessuno l'ha imbucata.
Il medico gli ha prescritto riposo e gli ha chiesto di tornare tra un mese.
È nevicato tutta la notte. La mattina il giardino era bianco.
Io lavoro di notte e dormo la mattina.
La squadra ha perso, ma ha giocato molto bene e meritava di vincere.
Si siede sempre in ultima fila e non chiede mai nulla.
Abbiamo due gatti: uno dorme sul divano, l'altro caccia i topi.
In questa regione si mangia molto pesce.
Dicono che il ponte sia romano.
""",
    "pt": """
Marie Curie nasceu em Varsóvia. Estudou física em Paris e descobriu dois elementos. Recebeu o prémio Nobel duas vezes.
O comboio parte às oito e chega às dez. Para em quatro estações e demora duas horas.
O João voltou a casa, abriu a porta e encontrou a irmã a dormir.
A cidade tem um porto antigo. Conserva muralhas do século XV e recebe muitos turistas.
A minha avó cozinha muito bem. Faz sempre comida a mais e depois reparte-a pelos vizinhos.
No outono chove muito e no inverno faz frio.
O presidente disse que não sabia de nada e que falaria com a equipa.
Não gosto de café, mas bebo chá todos os dias.
A empresa fabrica motores. Tem a sua sede em Braga e dá emprego a mil pessoas.
Quando era criança, brincava na rua com os meus primos.
Os cães ladravam e ninguém conseguia dormir.
Ontem fui ao cinema e vi um filme muito comprido.
Entrou na sala, olhou para todos e foi-se embora sem dizer nada.
O livro conta a vida de um pescador que perde o barco.
Vende-se apartamento com vista para o mar.
O rio nasce na serra e atravessa três distritos antes de chegar ao mar.
Segundo o relatório, o desemprego desceu dois pontos em março.
A Lúcia gosta de dançar. Vai às aulas à terça e ensaia em casa ao domingo.
O meu pai nunca fala da guerra; quando lhe perguntam, muda de assunto.
Os vizinhos queixam-se do barulho porque a obra começa às seis.
O filme dura três horas e tem um final triste.
Abriram a loja em 1980 e fecharam-na vinte anos depois.
Aquela aldeia conserva os seus costumes: em agosto celebra a festa das vindimas.
Era uma vez um rei que tinha três filhas. Queria casá-las antes do inverno.
Vamos ver o que acontece.
Não sei se virá, mas disse-mo ontem.
Acho que a carta chegou tarde porque ninguém a pôs no correio.
O médico receitou-lhe repouso e pediu-lhe que voltasse daí a um mês.
Nevou toda a noite. De manhã, o jardim estava branco.
Eu trabalho de noite e durmo de manhã.
A equipa perdeu, mas jogou muito bem e merecia ganhar.
Senta-se sempre na última fila e nunca pergunta nada.
Temos dois gatos: um dorme no sofá, o outro caça ratos.
Nesta região come-se muito peixe.
Dizem que a ponte é romana.
""",
}
"""Sentences of ours about third persons and things: nobody is addressed, though many verbs have no subject."""


@pytest.mark.parametrize("code", STORIES)
def test_stories_address_nobody(code: str) -> None:
    texts = STORIES[code].strip().splitlines()
    wrong = [text for text in texts if decide(code, text) != "none"]
    assert len(wrong) / len(texts) <= 0.1, wrong
    assert decide(code, STORIES[code]) == "none"  # a whole page: weak marks count by their share


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


def test_capitals() -> None:
    assert decide("es", "¡NO PUEDES PASAR!") == "casual"
    assert decide("it", "NON PUOI ENTRARE") == "casual"
    assert decide("es", "Ayer vino Compras López.") == "none"


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
