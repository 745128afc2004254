"""Measurements that print what they measured; nothing here passes or fails by its speed."""
