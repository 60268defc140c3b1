/* Numbers for steps.def. */
#ifndef MF_STEPS_H
#define MF_STEPS_H

enum mf_step {
#define STEP(name, text) MF_STEP_##name,
#include "steps.def"
#undef STEP
    MF_STEP_COUNT
};

#endif
