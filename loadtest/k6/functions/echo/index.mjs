/** Gives back what it got: for `payload`. */
export const handler = (event) => event;
