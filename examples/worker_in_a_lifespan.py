"""Run a worker inside a web application, and let a job prove by its page that it is done.

Run it with WATCHKEEPER_DATABASE_URL set:  uvicorn worker_in_a_lifespan:app --app-dir examples
Then ask for a report:  curl -X POST localhost:8000/reports/march
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from watchkeeper import Client, JobContext, Worker, job


@job("report", contract={"primary": {"kinds": ["html_page"]}}, max_attempts=3)
async def write_report(context: JobContext) -> None:
    """Write one month's page; the job completes only if the page can be opened and is not empty."""
    month = context.payload["month"]
    await context.progress(f"collecting the figures of {month}", phase="collect")
    page = f"<!doctype html><title>{month}</title><h1>Report for {month}</h1><p>Sold: 1204 pieces.</p>"
    await context.upload("index.html", page.encode())
    context.summary = f"the report for {month}"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with Client() as app.state.client, Worker([write_report]):
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/reports/{month}")
async def ask_for_report(month: str) -> dict[str, str]:
    """Ask for a month's report once, however often this is called meanwhile."""
    asked = await app.state.client.enqueue("report", {"month": month}, unique_key=month)
    return {"job": asked.id}


@app.get("/reports/{job_id}")
async def see_report(job_id: str) -> dict[str, str | None]:
    """Say how far a report is."""
    found = await app.state.client.job(job_id)
    return {"state": found["state"], "verified": found["verified"]}
