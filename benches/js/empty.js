// What a Node process takes that does nothing.
