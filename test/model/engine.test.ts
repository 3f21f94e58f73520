import { after, test } from 'node:test';
import { testDatabase } from '../database.ts';
import { checkHistories } from './check.ts';
import { playDurable } from './durable.ts';
import { bursts } from './histories.ts';
import { openStage } from './stage.ts';

const database = await testDatabase();
const stage = await openStage(database);
after(async () => {
  await stage.close();
  await database.drop();
});

// A few here; `npm run model` plays others for as long as one likes.
test('two engines on one Postgres answer and keep random histories as the naive model does', async () => {
  await checkHistories({
    ...{ kind: 'engine', histories: bursts(), runs: 20, seed: 20_260_102 },
    play: (history) => playDurable(history, stage),
  });
});
