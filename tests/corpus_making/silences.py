"""F01, F02: sessions that say nothing."""

from __future__ import annotations

from corpus_making.sequences import SPEAKING, Label, sequence, stuck
from corpus_making.story import Story

HOUR = 3600.0


@sequence("F01")
def never_a_word(story: Story) -> Label:
    """Alive, asleep, no byte on stdout; the lease is renewed all the while (openai/codex#34397)."""
    story.starts()
    onset = story.t
    for _ in range(6):
        story.wait(60.0)
        story.fact("lease", "renewed", epoch=1, worker="w1")
        story.sample()
    story.end(30.0)
    return stuck(onset, HOUR, "interrupt_resume")


@sequence("F01", *SPEAKING)
def reads_stdin(story: Story) -> Label:
    """stdin was left open: one line on stderr, then nothing (multica PR #592)."""
    story.starts()
    onset = story.t
    story.line("Reading additional input from stdin...", source="stderr")
    story.end(1500.0)
    return stuck(onset, HOUR, "interrupt_resume")


@sequence("F01")
def nothing_but_a_start(story: Story) -> Label:
    """Half a record: a start and an end, hours apart (claude-sdlc-harness#341, 94 min)."""
    story.starts(claims=False)
    onset = story.t
    story.end(5640.0)
    return stuck(onset, HOUR, "interrupt_resume")


@sequence("F01")
def busy_at_first(story: Story) -> Label:
    """It works for a minute to come up, then sleeps, and never says a word; its sockets are closed (#79610)."""
    story.starts()
    story.watched(60.0, 10.0, busy=0.4)
    onset = story.t
    story.watched(900.0, 30.0)
    story.sample(sockets=0)
    story.end()
    return stuck(onset, HOUR, "interrupt_resume")


@sequence("F01", "command")
def only_warnings(story: Story) -> Label:
    """Only warnings of its libraries on stderr, then nothing."""
    story.starts()
    story.fact("proc", "sample", processes=[{"pid": 4100, "state": "S"}])
    onset = story.t
    story.end(700.0)
    return stuck(onset, HOUR, "interrupt_resume")


@sequence("F02")
def after_the_first_words(story: Story) -> Label:
    """The turn is begun, the socket stays open, and nothing comes (openai/codex#28476)."""
    story.starts()
    story.begin()
    onset = story.t
    story.watched(900.0, 60.0)
    story.end()
    return stuck(onset, HOUR, "interrupt_resume")


@sequence("F02")
def after_a_result(story: Story) -> Label:
    """A tool gave its result, the next answer never comes (claude-code#39700, #86074)."""
    story.starts()
    story.begin()
    story.works(3)
    onset = story.t
    story.renews(1200.0, 60.0)
    story.end()
    return stuck(onset, HOUR, "interrupt_resume")


@sequence("F02")
def stream_alone(story: Story) -> Label:
    """Nothing but the stream was recorded, and it stops."""
    story.begin()
    story.works(2)
    story.says("Now the second part.")
    onset = story.t
    story.end(4 * HOUR)
    return stuck(onset, HOUR, "interrupt_resume", "kill", "sweep")


@sequence("F02", *SPEAKING)
def a_tool_that_never_returns(story: Story) -> Label:
    """A tool is open for longer than two hours, asleep (openai/codex#7846: a grandchild holds the pipe)."""
    story.starts()
    story.begin()
    story.works(2)
    story.opens("npm run dev")
    onset = story.t
    story.watched(7800.0, 300.0)
    story.end()
    return stuck(onset, 9000.0, "interrupt_resume")


@sequence("F02", *SPEAKING)
def keeps_its_rate_limits(story: Story) -> Label:
    """Once it stalled only heartbeats came for a while, then not even those."""
    story.starts()
    story.begin()
    story.works(1)
    for _ in range(3):
        story.wait(60.0)
        story.line({"type": "heartbeat"})
    onset = story.t
    story.end(1500.0)
    return stuck(onset, HOUR, "interrupt_resume")
