"""Put an order and the job that follows from it into one transaction: both are there, or neither.

Run it with WATCHKEEPER_DATABASE_URL set:  python examples/enqueue_in_a_transaction.py
"""

from __future__ import annotations

import asyncio
import os

import psycopg

from watchkeeper import Client


async def main() -> None:
    url = os.environ["WATCHKEEPER_DATABASE_URL"]
    async with (
        Client(url) as client,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        await connection.execute("CREATE TEMPORARY TABLE orders (number int, customer text)")

        async with connection.transaction():
            await connection.execute("INSERT INTO orders VALUES (1, 'Ada')")
            kept = await client.enqueue("send_invoice", {"order": 1}, connection=connection)

        async with connection.transaction() as transaction:
            await connection.execute("INSERT INTO orders VALUES (2, 'Bob')")
            await client.enqueue("send_invoice", {"order": 2}, connection=connection)
            raise psycopg.Rollback(transaction)

        found = await client.job(kept.id)
        print("the invoice of order 1 is", found["state"])  # noqa: T201 - an example's only output


if __name__ == "__main__":
    asyncio.run(main())
