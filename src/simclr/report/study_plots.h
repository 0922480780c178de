#pragma once

#include "simclr/report/document.h"
#include "simclr/report/study_records.h"

// The pictures of a sub-study: one colour an arm, training dashed, validation and test solid.
// Curves are means over seeds.
namespace simclr {

/// Train and validation loss of all arms, with ln(2N-1) for each N.
Figure loss_figure(const StudyRecords& study, const SubStudyRecord& sub);

/// Test accuracy over the epochs of fine-tuning, with the random encoder's.
Figure finetune_figure(const StudyRecords& study, const SubStudyRecord& sub);

/// Accuracies against the setting, with error bars over seeds and the random encoder's lines.
Figure accuracy_figure(const StudyRecords& study, const SubStudyRecord& sub);

/// The common measure's top-1 against the setting.
Figure common_figure(const StudyRecords& study, const SubStudyRecord& sub);

}  // namespace simclr
