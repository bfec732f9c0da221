package io.lampyris.chunkengine.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.ChunkState;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class SessionsTest {
  private final Sessions sessions = new Sessions(100);

  private static ChunkState made(long client, int channel, long sequence, int chunkIndex) {
    ChunkState made = new ChunkState();
    made.inode = 9;
    made.chunkIndex = chunkIndex;
    made.version = 3;
    made.updatedBy(client, 0, channel, sequence, 77);
    return made;
  }

  @Test
  void nobodyInParticularAndChannelZeroHaveNone() {
    assertNull(sessions.remember(made(0, 5, 1, 1)));
    assertNull(sessions.remember(made(5, 0, 1, 1)));
    assertNull(sessions.find(5, 0, 0));
    assertEquals(0, sessions.count());
  }

  @Test
  void anEarlierUpdateOfAChannelThatHasGoneOnIsNotRemembered() {
    Session session = sessions.remember(made(5, 1, 8, 1));
    assertNotNull(session);
    assertNull(sessions.remember(made(5, 1, 7, 2)));
    assertEquals(1, session.chunkIndex);
    assertNull(sessions.of(made(5, 1, 7, 2)));
    assertEquals(session, sessions.of(made(5, 1, 8, 1)));
  }

  @Test
  void oneIsLoggedUntilItSaysSomethingElse() {
    Session session = sessions.remember(made(5, 1, 8, 1));
    assertNotNull(session);
    assertFalse(session.isLogged());
    session.setLogged();
    assertTrue(sessions.remember(made(5, 1, 8, 1)) == session && session.isLogged());
    session.answer(9, 1, 78, 3, 0, 0);
    assertFalse(session.isLogged());
    session.setLogged();
    sessions.remember(made(5, 1, 9, 1));
    assertFalse(session.isLogged());
  }

  @Test
  void theChannelThatWasLookedAtTheLongestTimeAgoMakesRoom() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    SplittableRandom random = new SplittableRandom(seed);
    Map<Integer, Long> model =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1;

          @Override
          protected boolean removeEldestEntry(Map.Entry<Integer, Long> eldest) {
            return size() > 100;
          }
        };
    for (long step = 1; step <= 20_000; step++) {
      int channel = 1 + random.nextInt(150);
      if (random.nextInt(3) > 0) {
        assertNotNull(sessions.remember(made(5, channel, step, 1)));
        model.put(channel, step);
      } else {
        Session found = sessions.find(5, 0, channel);
        Long expected = model.get(channel);
        assertEquals(expected, found == null ? null : (Long) found.sequence, "channel " + channel);
      }
      assertEquals(model.size(), sessions.count());
    }
    for (int slot = 0; slot < sessions.count(); slot++) {
      Session session = sessions.at(slot);
      assertEquals(model.get(session.channel), session.sequence);
    }
  }
}
