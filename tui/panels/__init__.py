"""What each pane shows: pure functions from state to lines, and the one widget that draws them."""
