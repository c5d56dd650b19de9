"""Who may do what: people, programs, roles with site scopes, sessions, tokens."""
