"""How text becomes topic and sentiment: classifiers, not database tables."""
