// vtubestudio (npm) as a peer: what it is told to call, it calls, and says what came back.
import { createRequire } from 'node:module';
import WebSocket from 'ws';
import { hear, say } from './lines.mjs';

const { ApiClient } = createRequire(import.meta.url)('vtubestudio');
const { port, token } = await hear();
let kept = token ?? null;
const client = new ApiClient({
  pluginName: 'Foreign Plugin',
  pluginDeveloper: 'Somebody Else',
  authTokenGetter: () => kept,
  authTokenSetter: async (given) => {
    kept = given;
    say({ event: 'token', token: given });
  },
  url: `ws://127.0.0.1:${port}`,
  webSocketFactory: (url) => new WebSocket(url),
});
client.on('connect', () => say({ event: 'connected' }));
client.on('disconnect', () => say({ event: 'disconnected' }));
client.on('error', (error) => say({ event: 'error', code: error.data?.errorID, text: String(error) }));

for (let order = await hear(); order; order = await hear()) {
  try {
    if (order.subscribe) {
      await client.events[order.subscribe].subscribe((data) => say({ event: order.subscribe, data }));
      say({ event: 'subscribed' });
    } else {
      say({ event: 'answer', call: order.call, data: (await client[order.call](order.data)) ?? {} });
    }
  } catch (error) {
    say({ event: 'refused', call: order.call, code: error.data?.errorID });
  }
}
process.exit(0);
