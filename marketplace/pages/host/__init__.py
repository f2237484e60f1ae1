"""Pages of those who host trainees or send them: sites and schools."""
