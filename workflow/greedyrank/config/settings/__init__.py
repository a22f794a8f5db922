"""Every setting a sweep may have: its type, unit, meaning and source; one module a kind."""
