// The npm provider for servers, unmodified. In and out: as in ../python/client.py; `{"$date": 0}` is a Date.
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const request = JSON.parse(Buffer.concat(chunks));
const headers = Object.entries(request.headers ?? {});
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: request.base, headers }));
const client = OpenFeature.getClient();
const typed = {
  boolean: 'getBooleanDetails', string: 'getStringDetails', integer: 'getNumberDetails', float: 'getNumberDetails', object: 'getObjectDetails',
};
const date = ([name, value]) => [name, value && typeof value === 'object' && '$date' in value ? new Date(value.$date) : value];
const answers = [];
for (const [flag, type, fallback, user, attributes] of request.ask) {
  const context = { ...Object.fromEntries(Object.entries(attributes).map(date)), ...(user === null ? {} : { targetingKey: user }) };
  const details = await client[typed[type]](flag, fallback, context);
  answers.push({
    value: details.value, variant: details.variant ?? null, reason: details.reason ?? null,
    error: details.errorCode ?? null, metadata: details.flagMetadata ?? {},
  });
}
process.stdout.write(JSON.stringify(answers));
