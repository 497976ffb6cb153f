"""Labels, models and their cards: what the stages that score and choose by score are made of."""
