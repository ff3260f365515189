"""Parse, make one call into a package below, render. No decisions here."""
