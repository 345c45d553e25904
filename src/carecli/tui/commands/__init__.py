"""What each action does: one function an action, grouped by the part of the day it belongs to."""
