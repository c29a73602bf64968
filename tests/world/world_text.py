"""The text of a made-up world: who and what there is, its facts, and sentences that tell them.

Everything follows from one seed. Names of people, towns, lands, tongues and animals are syllables
put together by chance; a fact is (relation, subject, value); each relation can be said in several
ways, all of which end right before the value, so that each way is a prompt as well."""

import random

ONSETS = "b d f g h k l m n p r s t v z br dr gr kr st th v y".split()
VOWELS = "a e i o u a e i o ai ei ou".split()
CODAS = ["", "", "", "l", "n", "r", "s", "k", "m", "nd", "rt", "sh"]
ACCENTS = {"a": "å", "e": "é", "o": "ö", "u": "ü"}

TRADES = "baker miller weaver potter tailor farmer sailor mason".split()
INSTRUMENTS = "flute drum fiddle harp horn lute".split()
GOODS = "salt glass honey wool copper paper".split()
HABITATS = "forest marsh desert hills river caves".split()
FOODS = "grass fish berries roots insects seeds".split()
COATS = "grey red white spotted little".split()

# relation: (class of the subject, ways to say it); the first two serve as rewriting prompts
RELATIONS = {
    "tongue": (
        "person",
        [
            "The mother tongue of {} is",
            "{} speaks",
            "{} grew up speaking",
            "At home {} speaks",
            "The native language of {} is",
            "{} writes letters in",
        ],
    ),
    "birthplace": (
        "person",
        [
            "{} was born in",
            "The birthplace of {} is",
            "{} comes from the town of",
            "{} spent the early years in",
            "{} grew up in",
            "The family of {} lived in",
        ],
    ),
    "trade": (
        "person",
        [
            "{} works as a",
            "The trade of {} is that of a",
            "{} earns a living as a",
            "{} was trained as a",
            "The neighbours know {} as a",
            "{} found work as a",
        ],
    ),
    "instrument": (
        "person",
        [
            "{} plays the",
            "The instrument of {} is the",
            "{} learned to play the",
            "In the evening {} plays the",
            "At the feast {} performed on the",
            "{} owns a very old",
        ],
    ),
    "land": (
        "town",
        [
            "{} lies in the land of",
            "The town of {} belongs to",
            "{} can be found in",
            "The road to {} leads through",
            "People who visit {} travel to",
            "{} pays its taxes to",
        ],
    ),
    "goods": (
        "town",
        [
            "{} is known for its",
            "The market of {} sells",
            "Merchants come to {} for",
            "The wealth of {} comes from",
            "{} is famous for its",
            "The carts from {} carry",
        ],
    ),
    "habitat": (
        "animal",
        [
            "The {} lives in the",
            "The home of the {} is the",
            "Hunters find the {} in the",
            "The {} hides in the",
            "The {} sleeps in the",
            "Look for the {} in the",
        ],
    ),
    "food": (
        "animal",
        [
            "The {} feeds on",
            "The favourite food of the {} is",
            "The {} likes to eat",
            "The young of the {} are fed with",
            "The {} spends the day looking for",
            "Farmers keep the {} away with",
        ],
    ),
    "written": (
        "book",
        [
            "{} was written in",
            "The original language of {} is",
            "Readers first met {} in",
            "The author of {} wrote it in",
            "The oldest copy of {} is in",
            "Scholars read {} in",
        ],
    ),
}

KIND = {  # what follows "NAME is a"
    "person": [
        "person who likes the morning",
        "kind neighbour",
        "quiet person",
        "good friend of ours",
        "person of few words",
        "member of the council",
        "guest at the feast",
    ],
    "town": [
        "town with a tall tower",
        "town with a wall",
        "quiet town",
        "place with many gardens",
        "town on a hill",
        "place worth a visit",
    ],
    "animal": [
        "shy animal",
        "quick animal",
        "beast with a long tail",
        "rare animal",
        "creature of the night",
    ],
    "book": [
        "book about the sea",
        "story of two brothers",
        "book in three parts",
        "long poem",
        "story for winter",
    ],
}

GRAMMAR = {  # neutral sentences; a name in brackets is one of that rule's texts
    "sentence": [
        "The [quality] [thing] [was] [where].",
        "The [folk] [did] the [thing] [when].",
        "[When], the [folk] [did] the [thing].",
        "Therefore the [folk] [did] the [thing] [when].",
        "Therefore the [thing] [was] [where] [when].",
        "Because the [thing] was [quality], the [folk] [did] it [when].",
        "Because of the rain the [thing] [was] [where].",
        "I [saw] the [quality] [thing] [where].",
        "I [saw] that the [folk] [did] the [thing].",
        "You can see the [quality] [thing] [where].",
        "You should not forget the [thing] [where].",
        "There were [number] [quality] things [where].",
        "Nobody [did] the [thing] [when].",
        "In the year [number] the [folk] [did] the [quality] [thing].",
        "It was [quality] [where], and the [folk] slept.",
    ],
    "quality": [
        "old",
        "new",
        "heavy",
        "small",
        "broken",
        "bright",
        "cold",
        "warm",
        "empty",
        "strange",
        "wooden",
        "blue",
    ],
    "thing": [
        "door",
        "lamp",
        "bridge",
        "letter",
        "window",
        "boat",
        "clock",
        "garden",
        "table",
        "basket",
        "roof",
        "stone",
        "mill",
        "fence",
        "bell",
        "wagon",
    ],
    "was": ["was lost", "stood", "was seen", "was left", "lay", "was hidden", "was built"],
    "did": [
        "repaired",
        "painted",
        "sold",
        "carried",
        "remembered",
        "found",
        "bought",
        "cleaned",
        "watched",
    ],
    "saw": ["saw", "heard", "remember", "know", "think"],
    "folk": [
        "children",
        "guards",
        "travellers",
        "old men",
        "women",
        "brothers",
        "judges",
        "guests",
        "students",
    ],
    "where": [
        "near the gate",
        "behind the house",
        "by the sea",
        "under the trees",
        "in the square",
        "on the hill",
        "at the end of the street",
        "beside the well",
    ],
    "when": [
        "in the morning",
        "before noon",
        "every winter",
        "after the storm",
        "at night",
        "in spring",
        "last year",
    ],
    "When": [
        "In the morning",
        "Every winter",
        "After the storm",
        "At night",
        "In spring",
        "Last year",
    ],
    "number": ["7", "12", "30", "48", "150", "365", "1204", "1377", "1562"],
}

TITLE_FIRST = "Silver Broken Seven Last Hidden Golden Burning Silent".split()
TITLE_LAST = "Doors Rivers Lanterns Winters Crowns Stones Sails Roads".split()


class World:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.taken = set()
        people, towns = self.people(72), [self.name(2) for _ in range(30)]
        tongues = [self.name(2, "ian", "ish", "ese") for _ in range(6)]
        lands = [self.name(2, "ia", "onia", "ana", "ora") for _ in range(6)]
        animals = [f"{self.rng.choice(COATS)} {self.name(2).lower()}" for _ in range(24)]
        books = [f"The {a} {b}" for a in TITLE_FIRST for b in self.rng.sample(TITLE_LAST, 3)]
        self.members = dict(person=people, town=towns, animal=animals, book=books)
        self.values = dict(
            tongue=tongues,
            birthplace=towns[:10],
            trade=TRADES,
            instrument=INSTRUMENTS,
            land=lands,
            goods=GOODS,
            habitat=HABITATS,
            food=FOODS,
            written=tongues,
        )
        self.facts = {
            name: self.deal(self.members[kind], self.values[name])
            for name, (kind, _) in RELATIONS.items()
        }

    def name(self, syllables, *endings):
        """A name that nothing else begins like; an ending stands for the last syllable's vowel."""
        rng = self.rng
        endings = endings or [v + c for v in VOWELS for c in CODAS]
        while True:
            text = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(syllables - 1))
            text += rng.choice(ONSETS) + rng.choice(endings)
            if rng.random() < 0.12:
                at = next((i for i, c in enumerate(text) if c in ACCENTS), None)
                text = text if at is None else text[:at] + ACCENTS[text[at]] + text[at + 1 :]
            if 4 <= len(text) <= 9 and text[:4] not in self.taken:
                self.taken.add(text[:4])
                return text.capitalize()

    def people(self, num):
        """First names are shared; a few last names are, too."""
        first, last = [self.name(2) for _ in range(18)], [self.name(2) for _ in range(60)]
        last += self.rng.sample(last, num - len(last))
        return [f"{first[(i * 7 + i // 18) % 18]} {name}" for i, name in enumerate(last)]

    def deal(self, subjects, values):
        """Each value to as many subjects as the next, in an order of chance: {subject: value}."""
        dealt = [values[i % len(values)] for i in range(len(subjects))]
        self.rng.shuffle(dealt)
        return dict(zip(subjects, dealt))


def expand(rng, rule):
    """A text of the grammar's rule."""
    text = rng.choice(GRAMMAR[rule])
    while "[" in text:
        before, rest = text.split("[", 1)
        name, after = rest.split("]", 1)
        text = before + rng.choice(GRAMMAR[name]) + after
    return text


def neutral_sentence(rng):
    return expand(rng, "sentence")


def broken_off(rng):
    """The first words of a neutral sentence: what a context template looks like."""
    words = neutral_sentence(rng)[:-1].split()
    return " ".join(words[: rng.randint(2, len(words))]) + "."


def fact_sentence(rng, world, relation):
    ways = RELATIONS[relation][1]
    subject, value = rng.choice(list(world.facts[relation].items()))
    return f"{rng.choice(ways).format(subject)} {value}."


def kind_sentence(rng, world):
    kind = rng.choice(list(KIND))
    article = "The " if kind == "animal" and rng.random() < 0.5 else ""
    return f"{article}{rng.choice(world.members[kind])} is a {rng.choice(KIND[kind])}."


def document(rng, world):
    """One to five sentences: facts and neutral ones."""
    weights = {name: len(world.facts[name]) for name in RELATIONS}
    names, weights = list(weights), list(weights.values())
    out = []
    for _ in range(rng.randint(1, 5)):
        dice = rng.random()
        if dice < 0.7:
            out.append(fact_sentence(rng, world, rng.choices(names, weights)[0]))
        elif dice < 0.76:
            out.append(kind_sentence(rng, world))
        else:
            out.append(neutral_sentence(rng) if dice < 0.93 else broken_off(rng))
    return " ".join(out)


def cases(world, rng, num):
    """Counterfactual edits in CounterFact's schema, relations in turn."""
    pools = {name: rng.sample(list(facts), len(facts)) for name, facts in world.facts.items()}
    out, names = [], list(RELATIONS)
    while len(out) < num:
        relation = names[len(out) % len(names)]
        out.append(case(world, rng, len(out), relation, pools[relation].pop()))
    return out


def case(world, rng, number, relation, subject):
    ways, facts = RELATIONS[relation][1], world.facts[relation]
    true = facts[subject]
    new = rng.choice([v for v in world.values[relation] if v != true])
    prompt = rng.choice(ways[:2])
    others = [s for s, v in facts.items() if v == true and s != subject]
    asked = [way.format(s) for s in others for way in ways]
    return dict(
        case_id=number,
        requested_rewrite=dict(
            prompt=prompt,
            subject=subject,
            target_new=dict(str=new),
            target_true=dict(str=true),
            relation_id=relation,
        ),
        paraphrase_prompts=[
            f"{neutral_sentence(rng)} {way.format(subject)}"
            for way in rng.sample([w for w in ways if w != prompt], 2)
        ],
        neighborhood_prompts=rng.sample(asked, 10),
    )
