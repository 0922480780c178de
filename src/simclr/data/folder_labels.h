#pragma once

#include "simclr/data/image_files.h"

namespace simclr {

/// Sets part, label, class_names and notes from the folders that the files lie in:
///   <class>/file                         labelled
///   {train,test,val}/<class>/file        labelled, in parts; val is the test part if there is no
///                                        test, else training; a note says which
///   {train,test,unlabelled}/...          what lies in `unlabelled` is SourcePart::kUnlabelled
/// Leading folders that all files share do not count. Files outside any class folder, or folders
/// within class folders, leave all unlabelled, and so does a single class. With
/// LabelSource::kFolders the first folder is the class, whatever lies below it.
/// @throws Error(kData) if labels are kFolders and a file lies in no class folder
void label_by_folder(LabelSource labels, ImageFiles& images);

}  // namespace simclr
