"""The console: what an agent looks at for eight hours a day."""
