"""What a person does in the console: shown before, carried out as the API does it, told of after."""
