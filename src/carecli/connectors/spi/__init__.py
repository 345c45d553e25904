"""The public interface for connector authors (semantic versioning, 0.x): protocols, records, options, errors."""
