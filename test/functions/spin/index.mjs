/** Never answers: blocks its event loop for ever. */
export const handler = async () => {
  for (;;);
};
