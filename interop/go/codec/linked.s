// Empty: its presence lets linked.go declare functions whose bodies are in the reference.
