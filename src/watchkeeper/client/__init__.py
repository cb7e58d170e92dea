"""The API for other Python programs: one typed client, made from the OpenAPI document; it loads no server."""
