"""What a client and a worker of Python handlers need: they load no more than this, and stay small."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.attempts import OnGateFailed
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.artifact_store import ArtifactStore, ArtifactSweep
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.artifact_sweep_disk import DiskArtifactSweep
from watchkeeper.services.fetch import Fetcher
from watchkeeper.services.fetch_settings import fetch_config
from watchkeeper.services.gate import Gate, GateRules
from watchkeeper.services.job_desk import JobDesk
from watchkeeper.services.kinds import Kinds
from watchkeeper.services.known_secrets import known_secrets
from watchkeeper.services.queue import Queue
from watchkeeper.services.settings_in_force import SettingsInForce
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database, DatabaseConfig


@dataclass(frozen=True, slots=True)
class Core:
    """The queue of one database, its kinds, and its gate over the artifact store."""

    settings: Settings
    in_force: SettingsInForce
    database: Database
    redactor: Redactor
    queue: Queue
    kinds: Kinds
    gate: Gate
    desk: JobDesk
    artifacts: ArtifactStore
    sweep: ArtifactSweep


def build_core(settings: Settings, database: Database | None = None) -> Core:
    """Put the parts together; opens nothing."""
    database = database or Database(database_config(settings))
    redactor = Redactor(known_secrets(settings))
    in_force = SettingsInForce(settings)
    queue = Queue(database, redactor=redactor, on_gate_failed=lambda: OnGateFailed(in_force().on_gate_failed))
    kinds = Kinds(database)
    store, sweep = artifact_store(settings)

    def rules() -> GateRules:
        return GateRules(in_force().gate_http_statuses, settings.pending_markers)

    gate = Gate(database, store, redactor, Fetcher(fetch_config(settings)), rules)
    desk = JobDesk(database, queue, kinds, gate, redactor)
    return Core(settings, in_force, database, redactor, queue, kinds, gate, desk, store, sweep)


def database_config(settings: Settings) -> DatabaseConfig:
    """Read where the database is; raise SettingError where no address is set."""
    if settings.database_url is None:
        raise SettingError(
            "no database is set",
            hint="Set WATCHKEEPER_DATABASE_URL, or run 'watchkeeper up', which brings its own.",
        )
    return DatabaseConfig(
        settings.database_url,
        settings.database_direct_url,
        settings.database_pooled,
        settings.database_pool_size,
    )


def artifact_store(settings: Settings) -> tuple[ArtifactStore, ArtifactSweep]:
    """Give the store that is set, and the way through it; raise SettingError where a bucket's client is missing."""
    limit = settings.artifact_limit_bytes
    if settings.artifact_s3_url is None:
        disk = DiskArtifactStore(settings.home / "artifacts", limit)
        return disk, DiskArtifactSweep(disk)
    try:
        from watchkeeper.services.artifact_bucket import BucketPlace
        from watchkeeper.services.artifact_store_s3 import S3ArtifactStore
        from watchkeeper.services.artifact_sweep_s3 import S3ArtifactSweep
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise SettingError(
            "artifact_s3_url is set, but the client for buckets is not installed",
            hint="pip install 'watchkeeper[s3]' brings it.",
        ) from None
    place = BucketPlace(settings.artifact_s3_url, settings.artifact_s3_endpoint, settings.artifact_s3_region)
    bucket = S3ArtifactStore(place, settings.home, limit)
    return bucket, S3ArtifactSweep(bucket)
