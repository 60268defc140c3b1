/*
 * The executable that every contender of noop.ts runs: it does nothing, and its exit code proves that it ran. Static,
 * so that it needs nothing of the root filesystem in which it stands.
 */
int main(void) {
    return 42;
}
