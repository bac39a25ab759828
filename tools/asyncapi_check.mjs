// Validate an AsyncAPI document with the ecosystem's own parser; exit 1 when it finds an error or a warning.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const ERROR = 0, WARNING = 1;
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
const found = diagnostics.filter(({ severity, code }) => severity === ERROR || severity === WARNING);
for (const { severity, code, path, message } of diagnostics) {
  console.log(`${['error', 'warning', 'information', 'hint'][severity]} ${code} at ${path.join('.')}: ${message}`);
}
if (document) {
  const [channels, operations] = [document.channels().all().length, document.operations().all().length];
  console.log(`AsyncAPI ${document.version()}: ${channels} channels, ${operations} operations, ${found.length} problems`);
}
process.exit(document && found.length === 0 ? 0 : 1);
