/** The function that every contender of hello.ts and http.ts runs. */
export const handler = (event) => ({ hello: event.name });
