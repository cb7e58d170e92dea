"""F01, F02, F03, F17: sessions that say nothing."""

from __future__ import annotations

import json

from corpus_making.sequences import ANY, SPEAKING, Label, sequence, stuck
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
    onset = story.t
    for _ in range(3):
        story.wait(60.0)
        story.line({"type": "heartbeat"})
    story.end(1500.0)
    return stuck(onset, HOUR, "interrupt_resume")


@sequence("F03", *SPEAKING)
def done_and_alive(story: Story) -> Label:
    """The job is completed and the turn over; the process never ends (claude-code#25629)."""
    _done(story)
    onset = story.t
    story.watched(1200.0, 60.0)
    story.end()
    return stuck(onset, HOUR, "sweep", "block_complete", "kill")


@sequence("F03", *SPEAKING)
def done_alone(story: Story) -> Label:
    """Only the stream: a result, then silence for most of an hour (untether#333, 36 min)."""
    story.begin()
    story.works(3)
    story.says("Everything is written.")
    story.ends_turn("Everything is written.")
    onset = story.t
    story.end(2160.0)
    return stuck(onset, HOUR, "sweep", "block_complete", "kill")


@sequence("F03", *SPEAKING)
def done_with_servers(story: Story) -> Label:
    """Children live on beside it, busy with nothing (hive-mind PR #1281)."""
    _done(story)
    onset = story.t
    for n in range(14):
        story.wait(60.0)
        server = {"pid": 4150, "ppid": 4100, "state": "S", "cpu_seconds": 1.0 + n / 100, "command": "mcp-server"}
        agent = {"pid": 4100, "ppid": 4000, "state": "S", "cpu_seconds": 0.5, "command": story.agent}
        story.fact("proc", "sample", processes=[agent, server], sockets=2)
    story.end()
    return stuck(onset, HOUR, "sweep", "block_complete")


@sequence("F03", *SPEAKING)
def done_and_renewed(story: Story) -> Label:
    """The supervisor renews the lease of a session that is over (paperclip#4266)."""
    _done(story)
    onset = story.t
    story.renews(900.0, 60.0)
    story.end()
    return stuck(onset, HOUR, "sweep", "block_complete")


@sequence("F03", "claude")
def done_and_reported(story: Story) -> Label:
    """After the result only notices of its background tasks (untether#470)."""
    _done(story)
    onset = story.t
    for n in range(5):
        story.wait(100.0)
        story.line({"type": "system", "subtype": "task_notification", "task_id": f"b{n}", "status": "stopped"})
    story.end(600.0)
    return stuck(onset, HOUR, "sweep", "block_complete")


def _done(story: Story) -> None:
    story.starts()
    story.begin()
    story.works(3)
    story.hands_in()
    story.says("All of it is handed in.")
    story.ends_turn("All of it is handed in.")


@sequence("F17", "claude")
def requires_action(story: Story) -> Label:
    """It waits for an approval that nobody gives (agentwire-dev#274, 11 h)."""
    story.starts()
    story.begin()
    story.works(2)
    story.line({"type": "system", "subtype": "session_state_changed", "state": "requires_action"})
    onset = story.t
    story.watched(1800.0, 120.0)
    story.end(HOUR)
    return stuck(onset, HOUR, "escalate", "kill", "fresh_session")


@sequence("F17", "claude")
def permission_is_asked(story: Story) -> Label:
    """A control request for a tool that is not allowed stays open."""
    story.begin()
    story.works(1)
    request = {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "rm -rf build"}}
    story.line({"type": "control_request", "request_id": "r1", "request": request})
    onset = story.t
    story.end(2400.0)
    return stuck(onset, HOUR, "escalate")


@sequence("F17", *ANY)
def a_prompt_on_stdout(story: Story) -> Label:
    """A program asks on stdout and waits for a key."""
    story.starts()
    story.begin()
    story.pause()
    story.line("Do you want to continue? [y/N]")
    onset = story.t
    story.watched(900.0, 60.0)
    story.end(900.0)
    return stuck(onset, HOUR, "escalate")


@sequence("F17", *ANY)
def a_prompt_on_stderr(story: Story) -> Label:
    """A login is asked for on stderr."""
    story.starts()
    story.begin()
    story.pause()
    asks = {"codex": "Do you trust the files in this folder? (y/n)", "claude": "Please run /login"}
    story.line(asks.get(story.agent, "Overwrite existing files? (yes/no)"), source="stderr")
    onset = story.t
    story.renews(600.0, 60.0)
    story.end(600.0)
    return stuck(onset, HOUR, "escalate")


@sequence("F17", "claude", "command")
def asks_before_it_begins(story: Story) -> Label:
    """The first thing that it says is a question."""
    story.starts()
    story.line("Press Enter to continue")
    onset = story.t
    story.watched(600.0, 60.0)
    story.end(1200.0)
    return stuck(onset, HOUR, "escalate")


@sequence("F17", "claude", "claude")
def asks_twice(story: Story) -> Label:
    """One question was answered by a hook; the next is answered by nobody."""
    story.begin()
    waits = json.dumps({"type": "system", "subtype": "session_state_changed", "state": "requires_action"})
    story.line(waits)
    story.wait(3.0)
    story.works(2)
    story.line(waits)
    onset = story.t
    story.end(1500.0)
    return stuck(onset, HOUR, "escalate")
