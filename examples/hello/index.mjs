/** The smallest function: an ES module that exports `handler`. */
export const handler = async (event, context) => ({
  greeting: `Hello, ${event?.name ?? "world"}!`,
  invocationId: context.awsRequestId,
});
