"""The registry over HTTP: one table of endpoints, of which the routes and the OpenAPI document are made."""
