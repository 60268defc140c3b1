/* The one table that turns a step into a sentence. */
#include "steps.h"

#include "mayfly.h"

static const char *const texts[] = {
#define STEP(name, text) [MF_STEP_##name] = (text),
#include "steps.def"
#undef STEP
};

const char *mf_step_text(uint32_t step) {
    return step < MF_STEP_COUNT ? texts[step] : NULL;
}
