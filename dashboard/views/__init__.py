"""The pages of the dashboard, a view in each file. Panes are made once; news changes what they hold."""
