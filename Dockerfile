# Watchkeeper in a container: docs/operate.md. By default it serves, with the PostgreSQL of WATCHKEEPER_DATABASE_URL.
FROM python:3.11-slim AS build
WORKDIR /source
COPY requirements.lock requirements-dev.lock pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY src src
RUN python -m venv /build && /build/bin/pip install --no-cache-dir --require-hashes -r requirements-dev.lock \
 && /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && python -m venv /app && /app/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
 && /app/bin/pip install --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --create-home --home-dir /var/lib/watchkeeper --shell /usr/sbin/nologin watchkeeper
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    WATCHKEEPER_HOME=/var/lib/watchkeeper/home \
    WATCHKEEPER_LOG_FORMAT=json
USER watchkeeper
VOLUME /var/lib/watchkeeper
EXPOSE 8470
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD \
  ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8470/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["watchkeeper"]
CMD ["serve"]
