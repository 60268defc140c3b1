/** Always throws: the verdict function_error. */
export const handler = async () => {
  throw new Error("on purpose");
};
