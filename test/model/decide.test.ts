import { test } from 'node:test';
import { checkHistories } from './check.ts';
import { sequences } from './histories.ts';
import { playPure } from './pure.ts';

// A few hundred here, always the same; `npm run model` plays others for as long as one likes.
test('decide answers random histories as the naive model does', async () => {
  await checkHistories({
    kind: 'decide',
    histories: sequences(),
    play: playPure,
    runs: 300,
    seed: 20_260_101,
  });
});
