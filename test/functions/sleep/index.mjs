/** Waits for longer than anybody would. */
export const handler = () => new Promise((resolve) => setTimeout(resolve, 60_000));
