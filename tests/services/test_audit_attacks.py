"""Who owns the database, but neither key nor anchor, cannot change the trail unseen: each way is found and named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_trail import attack, seal_all, seals, until_final, write
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.audit_chain import CHAIN_START, row_hash
from watchkeeper.domain.audit_findings import Finding, Note, What
from watchkeeper.services.audit_form import signed_seal
from watchkeeper.services.audit_keys import SigningKey
from watchkeeper.services.audit_sealer import AuditSealer, sign
from watchkeeper.storage import audit as store
from watchkeeper.storage.database import Database

PER_SEAL = 4
SEALS = 3
ROWS = PER_SEAL * SEALS

SEAL = "UPDATE watchkeeper.audit_seals SET {} WHERE number = 2"
EDIT = "UPDATE watchkeeper.audit_events SET {} WHERE seq = 6"
SWAP = """
UPDATE watchkeeper.audit_events a SET {0} = b.{0} FROM watchkeeper.audit_events b
 WHERE (a.seq, b.seq) IN ((6, 7), (7, 6))
"""
INSERT = """
INSERT INTO watchkeeper.audit_events (seq, xid, project_id, event, actor)
SELECT 1000, xid, 'p', 'token_created', 'mallory' FROM watchkeeper.audit_events WHERE seq = 6
"""
COPY = "INSERT INTO watchkeeper.audit_events SELECT * FROM watchkeeper.audit_events WHERE seq = 6"
APPEND = "INSERT INTO watchkeeper.audit_events (project_id, event, actor, {}) VALUES ('p', 'approval_given', 'm', {})"
FAR = "77, now() + interval '5 days'"
RESEAL_HASH = SEAL.format("row_hashes = sha256('x') || substr(row_hashes, 33)")

ATTACKS = [
    ("edit a text", EDIT.format("actor = 'somebody else'"), What.EDITED, 2, 2),
    ("edit the time", EDIT.format("at = at + interval '1 microsecond'"), What.EDITED, 2, 2),
    ("give a value", EDIT.format("reason = ''"), What.EDITED, 2, 2),
    ("JSON null for none", EDIT.format("data = 'null'"), What.EDITED, 2, 2),
    ("edit deep in the data", EDIT.format("data = jsonb_set(data, '{a,b}', '3')"), What.EDITED, 2, 2),
    ("move to another project", EDIT.format("project_id = 'q'"), What.EDITED, 2, 2),
    ("delete the first", "DELETE FROM watchkeeper.audit_events WHERE seq = 1", What.MISSING, 1, 1),
    ("delete one", "DELETE FROM watchkeeper.audit_events WHERE seq = 6", What.MISSING, 2, 2),
    ("delete the last", f"DELETE FROM watchkeeper.audit_events WHERE seq = {ROWS}", What.MISSING, 3, 4),
    ("delete them all", "DELETE FROM watchkeeper.audit_events", What.MISSING, 1, 1),
    ("drop a partition", "DROP TABLE watchkeeper.{partition}", What.MISSING, 1, 1),
    ("insert one in between", INSERT, What.INSERTED, 2, None),
    ("copy one", COPY, What.INSERTED, 2, None),
    ("append with another timeline", APPEND.format("timeline", "77"), What.INSERTED, None, None),
    ("append far off in all", APPEND.format("timeline, at", FAR), What.INSERTED, None, None),
    ("append with a transaction to come", APPEND.format("xid", "'99999999999'"), What.INSERTED, None, None),
    ("append with a time to come", APPEND.format("at", "now() + interval '2 min'"), What.INSERTED, None, None),
    ("append before the tail", APPEND.format("timeline", "0"), What.INSERTED, 1, None),
    ("swap two rows' payloads", SWAP.format("data"), What.EDITED, 2, 2),
    ("swap two rows' places", SWAP.format("seq") , What.EDITED, 2, 2),
    ("push one behind the seals", EDIT.format("xid = '9000000000000'"), What.MISSING, 2, 2),
    ("change a row hash in the seal", RESEAL_HASH, What.SEAL_EDITED, 2, None),
    ("say another form", SEAL.format("hash_version = 2"), What.SEAL_EDITED, 2, None),
    ("make a seal cover less", SEAL.format("row_count = 3"), What.SEAL_EDITED, 2, None),
    ("move a seal's end", SEAL.format("last_seq = 9"), What.SEAL_EDITED, 2, None),
    ("date a seal back", SEAL.format("sealed_at = now() - interval '1 day'"),
     What.SEAL_EDITED, 2, None),
    ("change a signature", SEAL.format("signature = sha512('x')"),
     What.SEAL_UNSIGNED, 2, None),
    ("change a hash alone", SEAL.format("hash = sha256('x')"), What.SEAL_EDITED, 2, None),
    ("delete a seal", "DELETE FROM watchkeeper.audit_seals WHERE number = 2", What.SEAL_MISSING, 3, None),
    ("delete the first seal", "DELETE FROM watchkeeper.audit_seals WHERE number = 1", What.SEAL_MISSING, 2, None),
    ("cut the seals' tail", "DELETE FROM watchkeeper.audit_seals WHERE number = 3", What.CHAIN_CUT, 3, None),
    ("delete all seals", "DELETE FROM watchkeeper.audit_seals", What.CHAIN_CUT, 1, None),
]  # fmt: skip

CUT_ALL = (
    "DELETE FROM watchkeeper.audit_seals WHERE number > 1",
    f"DELETE FROM watchkeeper.audit_events WHERE seq > {PER_SEAL}",
)


@pytest.fixture
async def sealed(app: App, database: Database) -> App:
    """A trail of three seals of four rows, anchored."""
    for number in range(ROWS):
        await rows(
            database,
            "INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)"
            " VALUES ('p', 'test', 't', jsonb_build_object('a', jsonb_build_object('b', %(n)s::int)))",
            {"n": number},
        )
    await seal_all(app, AuditSealer(database, app.audit_files, batch=PER_SEAL, anchor_seconds=0))
    assert [seal["row_count"] for seal in await seals(database)] == [PER_SEAL] * SEALS
    return app


async def findings(app: App) -> list[Finding]:
    return (await app.audit_verifier.verify()).findings


async def test_an_honest_trail_verifies(sealed: App) -> None:
    """What nobody touched is found in order, counted, anchored to its head."""
    report = await sealed.audit_verifier.verify()
    assert report.to_json() | {"head": None} == {
        "ok": True,
        "seals": SEALS,
        "rows": ROWS,
        "archived_rows": 0,
        "unsealed_rows": 0,
        "unsealed_seconds": 0.0,
        "head": None,
        "anchored_to": SEALS,
        "found": 0,
        "findings": [],
        "notes": [],
    }
    assert report.head == (await seals(sealed.database))[-1]["hash"].hex()


@pytest.mark.parametrize(
    ("statement", "what", "seal", "row"), [case[1:] for case in ATTACKS], ids=[case[0] for case in ATTACKS]
)
async def test_an_attack_is_found_and_named(
    sealed: App, statement: str, what: What, seal: int, row: int | None
) -> None:
    """The first finding says what was done, to which seal, and to which of its rows."""
    [partition] = await rows(
        sealed.database, "SELECT DISTINCT tableoid::regclass::text AS name FROM watchkeeper.audit_events"
    )
    await attack(sealed.database, statement.replace("watchkeeper.{partition}", partition["name"]))
    first = (await findings(sealed))[0]
    assert (first.what, first.seal, first.row) == (what, seal, row)


async def test_a_reordering_is_told_from_two_edits(sealed: App) -> None:
    """Two rows that stand at each other's places are called reordered, both, with the place of each."""
    columns = "project_id, event, actor, at, data"
    swapped = ", ".join(f"{name} = b.{name}" for name in columns.split(", "))
    await attack(
        sealed.database,
        f"UPDATE watchkeeper.audit_events a SET {swapped} FROM watchkeeper.audit_events b"
        " WHERE (a.seq, b.seq) IN ((6, 7), (7, 6))",
    )
    found = await findings(sealed)
    assert [(each.what, each.row, each.place and each.place.seq) for each in found] == [
        (What.REORDERED, 2, 6),
        (What.REORDERED, 3, 7),
    ]


async def test_every_bad_row_is_named_not_only_the_first(sealed: App) -> None:
    """Several attacks at once are told apart."""
    await attack(sealed.database, "UPDATE watchkeeper.audit_events SET actor = 'x' WHERE seq IN (2, 11)")
    await attack(sealed.database, "DELETE FROM watchkeeper.audit_events WHERE seq = 7")
    assert [(each.what, each.seal, each.row) for each in await findings(sealed)] == [
        (What.EDITED, 1, 2),
        (What.MISSING, 2, 3),
        (What.EDITED, 3, 3),
    ]


async def test_a_chain_that_was_sealed_anew_without_the_key_is_refused(
    sealed: App, database: Database
) -> None:
    """An attacker who edits a row and recomputes every hash and signature with a key of their own is found out."""
    await attack(database, "UPDATE watchkeeper.audit_events SET actor = 'x' WHERE seq = 6")
    forger, previous = SigningKey(Ed25519PrivateKey.generate()), CHAIN_START
    async with store.one_moment(database) as connection:
        stored = [signed_seal(row) async for row in store.all_seals(connection)]
    for old in stored:
        forged = sign(replace(old.seal, previous_hash=previous, key_id=forger.id), forger)
        previous = forged.hash
        await attack(
            database,
            "UPDATE watchkeeper.audit_seals SET previous_hash = %(previous)s, hash = %(hash)s, key_id = %(key)s,"
            " signature = %(signature)s WHERE number = %(number)s",
            {
                "previous": forged.seal.previous_hash,
                "hash": forged.hash,
                "key": forger.id,
                "signature": forged.signature,
                "number": old.seal.number,
            },
        )
    found = await findings(sealed)
    assert [each.seal for each in found if each.what is What.SEAL_UNSIGNED] == [1], "the key is named once"
    assert (What.CHAIN_FORKED, 3) in {(each.what, each.seal) for each in found}


async def test_an_old_dump_is_told_by_the_anchor(sealed: App, database: Database) -> None:
    """A database that was put back to an earlier state is consistent in itself; the anchor knows better."""
    for statement in CUT_ALL:
        await attack(database, statement)
    [found] = await findings(sealed)
    assert (found.what, found.seal) == (What.CHAIN_CUT, 2)
    sealed.audit_files.anchor.unlink()
    report = await sealed.audit_verifier.verify()
    assert report.ok
    assert [note for note, _ in report.notes] == [Note.UNANCHORED]


async def test_what_grew_again_after_a_cut_is_a_fork(sealed: App, database: Database) -> None:
    """Seals that were made over a cut chain bear numbers that the anchor knows with other hashes."""
    for statement in CUT_ALL:
        await attack(database, statement)
    kept = sealed.audit_files.anchor.read_bytes()
    sealed.audit_files.anchor.unlink()
    for _ in range(SEALS):
        await write(database, PER_SEAL)
        await seal_all(sealed, AuditSealer(database, sealed.audit_files, anchor_seconds=0))
    sealed.audit_files.anchor.write_bytes(kept)
    assert (await findings(sealed))[0].what is What.CHAIN_FORKED


async def test_an_unsealed_tail_is_said(sealed: App, database: Database) -> None:
    """Rows that no seal covers yet are counted, with the age of the oldest: they prove nothing yet."""
    await write(database, 2)
    report = await sealed.audit_verifier.verify()
    assert report.ok
    assert report.unsealed_rows == 2
    assert [note for note, _ in report.notes] == [Note.UNSEALED_TAIL]


async def test_a_tail_that_nobody_seals_is_a_finding(sealed: App, database: Database) -> None:
    """A row that waits for a seal for more than a minute fails the verification; one that is younger does not."""
    late = APPEND.format("at", "now() - make_interval(secs => %(age)s)")
    await rows(database, late, {"age": 30})
    await until_final(database)
    assert (await sealed.audit_verifier.verify()).ok
    await rows(database, late, {"age": 70})
    await until_final(database)
    report = await sealed.audit_verifier.verify()
    assert [(each.what, each.place and each.place.seq) for each in report.findings] == [
        (What.UNSEALED_TAIL, ROWS + 2)
    ]
    assert report.unsealed_rows == 2


@pytest.mark.parametrize(
    ("columns", "values"), [("timeline", "77"), ("xid", "'99999999999'"), ("at", "now() + interval '5 days'")]
)
async def test_the_diagnosis_tells_of_a_row_that_cannot_be(
    sealed: App, database: Database, columns: str, values: str
) -> None:
    """`doctor --system` is red for a row of a timeline, a transaction or a time to come; no lag is below zero."""
    before = {check.name: check.ok for check in await sealed.diagnosis.system()}
    await attack(database, APPEND.format(columns, values))
    [seals] = [check for check in await sealed.diagnosis.system() if check.name == "audit_seals"]
    assert (before["audit_seals"], seals.ok) == (True, False)
    assert (await sealed.audit_reading.lag())["lag_seconds"] >= 0


async def test_row_hashes_are_the_published_ones(sealed: App, database: Database) -> None:
    """Anyone can recompute a row's hash: SHA-256 of the tag and the RFC 8785 form of its columns."""
    [row] = await rows(
        database,
        "SELECT xid::text AS xid, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS at"
        " FROM watchkeeper.audit_events WHERE seq = 1",
    )
    canonical = (
        f'{{"actor":"t","at":"{row["at"]}","data":{{"a":{{"b":0}}}},"epoch":null,"event":"test","job_seq":null,'
        '"new_state":null,"old_state":null,"on_behalf_of":null,"output_hash":null,"project_id":"p","reason":null,'
        f'"seq":"1","timeline":1,"xid":"{row["xid"]}"}}'
    )
    first = (await seals(database))[0]
    assert first["row_hashes"][:32] == row_hash(canonical.encode())
