"""What the stages that look for copies share: which copy comes first, who owns a piece of text, what is compared."""
