// The original's own TypeScript client, unmodified: a call as one line of JSON in, what came of it as one line out.
// node novu_api.mjs ENTRY, where ENTRY is the main file of @novu/api.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { Novu } = createRequire(import.meta.url)(process.argv[2]);
const given = { retryConfig: { strategy: "none" }, timeoutMs: 20_000 };

function refused(error) {
  const { name, message, statusCode, path, timestamp, errors, id, cause } = error;
  const data = error.data$ ?? {};
  const reason = cause === undefined ? undefined : String(cause);
  return { error: { name, message, statusCode, path, timestamp, errors, id, reason, dataStatus: data.statusCode } };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { server, key, call, args } = JSON.parse(line);
  const client = new Novu({ ...given, secretKey: key, serverURL: server });
  const names = call.split(".");
  const name = names.pop();
  const group = names.reduce((found, each) => found[each], client);
  let said;
  try {
    const told = await group[name](...args.map((each) => each ?? undefined));
    said = { result: told?.result ?? null };
  } catch (error) {
    said = refused(error);
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
