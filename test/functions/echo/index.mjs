/** Answers its event, and says so in its log. */
export const handler = async (event) => {
  console.log("echo");
  return event;
};
