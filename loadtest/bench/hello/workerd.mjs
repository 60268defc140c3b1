/** The function as a service of workerd, which keeps its isolate from request to request. */
import { handler } from "./index.mjs";

export default {
  async fetch(request) {
    return Response.json(await handler(await request.json()));
  },
};
