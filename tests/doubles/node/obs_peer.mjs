// obs-websocket-js (npm) as a peer, in JSON: it connects, calls what it is told, says what came back.
import OBSWebSocket from 'obs-websocket-js/json';
import { hear, say } from './lines.mjs';

const { port, password } = await hear();
const obs = new OBSWebSocket();
obs.on('CurrentProgramSceneChanged', (data) => say({ event: 'scene', data }));
obs.on('ConnectionClosed', (error) => say({ event: 'closed', code: error.code }));
try {
  const { negotiatedRpcVersion } = await obs.connect(`ws://127.0.0.1:${port}`, password);
  say({ event: 'identified', version: negotiatedRpcVersion });
} catch (error) {
  say({ event: 'refused', code: error.code });
}
for (let order = await hear(); order; order = await hear()) {
  try {
    say({ event: 'answer', call: order.call, data: (await obs.call(order.call, order.data)) ?? {} });
  } catch (error) {
    say({ event: 'failed', call: order.call, code: error.code });
  }
}
process.exit(0);
