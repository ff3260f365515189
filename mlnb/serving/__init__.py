"""Endpoints: releases of a registered model behind a stable name and port."""
