// JSON lines over stdin and stdout. Libraries log to the console; stdout is ours alone.
import { createInterface } from 'node:readline';

for (const level of ['log', 'info', 'debug', 'warn']) console[level] = console.error;

const lines = createInterface({ input: process.stdin });
const incoming = lines[Symbol.asyncIterator]();

/** One object to the test. */
export function say(message) {
  process.stdout.write(JSON.stringify(message) + '\n');
}

/** The next object from the test; undefined at the end of input. */
export async function hear() {
  const { value, done } = await incoming.next();
  return done ? undefined : JSON.parse(value);
}

process.on('unhandledRejection', (error) => say({ event: 'rejection', text: String(error) }));
