"""Use cases of booking, a module each; all changes of state go through `transition.move`."""
