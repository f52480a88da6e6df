package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ScoreTest {
    @Test
    void countsEachKindOfSuccessByItself() {
        Score score =
                Score.NONE
                        .plus(new Judgment(true, true, true))
                        .plus(new Judgment(false, true, false))
                        .plus(new Judgment(false, false, true))
                        .plus(new Judgment(false, false, true));

        assertThat(score).isEqualTo(new Score(4, 1, 2, 3));
        assertThat(score.exactMatch()).isEqualTo(0.25);
        assertThat(score.contentMatch()).isEqualTo(0.5);
        assertThat(score.stopped()).isEqualTo(0.75);
    }

    @Test
    void hasNoSharesBeforeAnythingIsJudged() {
        assertThat(Score.NONE.exactMatch()).isNaN();
    }
}
